function Bytes2Float32(bytes) {
  var sign = (bytes & 0x80000000) ? -1 : 1;
  var exponent = ((bytes >> 23) & 0xFF) - 127;
  var significand = (bytes & ~(-1 << 23));
  if (exponent == 128) return sign * ((significand) ? Number.NaN : Number.POSITIVE_INFINITY);
  significand = (significand | (1 << 23)) / (1 << 23);
  return Math.round(sign * significand * Math.pow(2, exponent) * 100) / 100;
}
function Decoder(bytes, port) {
  var decoded = {};
  switch (port) {
    case 2:
      decoded.flow = Bytes2Float32(bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3]);
      decoded.invalid = Bytes2Float32(0x7fc00000);
      break;
    default:
      decoded.port = port;
  }
  return decoded;
}
function Encoder(object, port) {
  return [object.reset ? 1 : 0, port];
}
