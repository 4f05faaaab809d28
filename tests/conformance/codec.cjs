// Speaks for lora-packet, an independent codec: reads one JSON array of questions, answers with another.
"use strict";
const lora = require("lora-packet");

const hex = (text) => (text === undefined || text === null ? undefined : Buffer.from(text, "hex"));
const text = (buffer) => (buffer ? Buffer.from(buffer).toString("hex") : "");

function decode(q) {
  const packet = lora.fromWire(hex(q.phy));
  const msb = hex(q.fcntMsb);
  const extra = hex(q.extra);
  const answer = {
    type: packet.getMType(),
    devAddr: text(packet.DevAddr),
    fcnt: packet.getFCnt(),
    fport: packet.getFPort(),
    ack: packet.getFCtrlACK(),
    adr: packet.getFCtrlADR(),
    fpending: packet.getFCtrlFPending(),
    mic: lora.verifyMIC(packet, hex(q.micKey), hex(q.micKey2), msb, extra),
    payload: "",
    fopts: text(packet.FOpts),
  };
  if (packet.FRMPayload && packet.FRMPayload.length) {
    answer.payload = text(lora.decrypt(packet, hex(q.appSKey), hex(q.encKey), msb));
  }
  if (q.version === "1.1" && packet.FOpts && packet.FOpts.length) {
    answer.fopts = text(packet.decryptFOpts(hex(q.encKey), undefined, msb));
  }
  return answer;
}

function encode(q) {
  const fields = {
    MType: q.type,
    DevAddr: hex(q.devAddr),
    FCtrl: { ADR: q.adr, ACK: q.ack, ADRACKReq: false, FPending: false },
    FCnt: q.fcnt & 0xffff,
    FOpts: q.fopts ? hex(q.fopts) : undefined,
  };
  fields.payload = hex(q.payload);
  if (q.fport !== null) {
    fields.FPort = q.fport;
  }
  const packet = lora.fromFields(fields, hex(q.appSKey), hex(q.nwkSKey), undefined, hex(q.fcntMsb));
  return { phy: text(packet.getPHYPayload()) };
}

function join(q) {
  const packet = lora.fromWire(hex(q.phy));
  return {
    joinEui: text(packet.AppEUI),
    devEui: text(packet.DevEUI),
    devNonce: text(packet.DevNonce),
    mic: lora.verifyMIC(packet, undefined, hex(q.key)),
  };
}

function joinAccept(q) {
  const sealed = lora.fromWire(hex(q.phy));
  const packet = lora.fromWire(lora.decryptJoinAccept(sealed, hex(q.key)));
  return {
    joinNonce: text(packet.AppNonce),
    netId: text(packet.NetID),
    devAddr: text(packet.DevAddr),
    rx1DrOffset: packet.getDLSettingsRxOneDRoffset(),
    rx2DataRate: packet.getDLSettingsRxTwoDataRate(),
    optNeg: packet.getDLSettingsOptNeg(),
    rxDelay: packet.getRxDelayDel(),
    cfList: text(packet.CFList),
    mic: text(packet.MIC),
  };
}

function keys10(q) {
  const keys = lora.generateSessionKeys10(hex(q.appKey), hex(q.netId), hex(q.joinNonce), hex(q.devNonce));
  return { nwkSKey: text(keys.NwkSKey), appSKey: text(keys.AppSKey) };
}

function keys11(q) {
  const keys = lora.generateSessionKeys11(
    hex(q.appKey), hex(q.nwkKey), hex(q.joinEui), hex(q.joinNonce), hex(q.devNonce));
  const js = lora.generateJSKeys(hex(q.nwkKey), hex(q.devEui));
  return {
    appSKey: text(keys.AppSKey),
    fNwkSIntKey: text(keys.FNwkSIntKey),
    sNwkSIntKey: text(keys.SNwkSIntKey),
    nwkSEncKey: text(keys.NwkSEncKey),
    jsIntKey: text(js.JSIntKey),
    jsEncKey: text(js.JSEncKey),
  };
}

const operations = { decode, encode, join, joinAccept, keys10, keys11 };
let input = "";
process.stdin.on("data", (chunk) => (input += chunk));
process.stdin.on("end", () => {
  const answers = JSON.parse(input).map((q) => {
    try {
      return operations[q.op](q);
    } catch (error) {
      return { error: String(error) };
    }
  });
  process.stdout.write(JSON.stringify(answers));
});
