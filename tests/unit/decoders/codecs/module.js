// An ECMAScript module, as bundlers write it.
const hex = (octets) => octets.map((octet) => octet.toString(16).padStart(2, "0")).join("");
const flags = ["tamper", "leak", "low"];
async function unused() {}
function decode({ bytes, fPort }) {
  const [status, ...rest] = bytes;
  return { data: { raw: hex(rest), port: fPort, active: flags.filter((_, bit) => status & (1 << bit)), note: `export default ${status}` } };
}
export { decode as decodeUplink, unused };
export default decode;
