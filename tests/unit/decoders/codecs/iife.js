"use strict";
var MeterCodec = (() => {
  var __defProp = Object.defineProperty;
  var __export = (target, all) => { for (var name in all) __defProp(target, name, { get: all[name], enumerable: true }); };
  var index_exports = {};
  __export(index_exports, { decodeUplink: () => decodeUplink, decodeDownlink: () => decodeDownlink });
  function decodeUplink(input) { return { data: { litres: input.bytes.reduce((sum, octet) => sum * 256 + octet, 0) } }; }
  function decodeDownlink(input) { return { data: { command: input.bytes[0] } }; }
  return index_exports;
})();
globalThis.MeterCodec = MeterCodec;
