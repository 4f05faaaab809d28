/* eslint-disable */
// One object with its methods, handed over to whatever host there is.
var station_decoder = {
  PROTOCOL: 2,
  SENSORS: [
    { length: 2, values: [
      { name: 'air_temperature', unit: '°C', convert: function (x) { return 175 * x[0] / 65535 - 45; } },
      { name: 'air_humidity', unit: '%', convert: function (x) { return 100 * x[1] / 65535; } } ] },
    { length: 1, values: [
      { name: 'battery_voltage', unit: 'V', convert: function (x) { return x[0] / 1000; } } ] }
  ],
  read_int: function (bytes, pos) { return (bytes[pos] << 8) + bytes[pos + 1]; },
  decode: function (bytes) {
    if (bytes[0] != this.PROTOCOL) return { error: 'protocol ' + bytes[0] + " doesn't match v2" };
    var flags = this.read_int(bytes, 3), pos = 5, result = { protocol_version: bytes[0], device_id: this.read_int(bytes, 1) };
    for (var i = 0; i < this.SENSORS.length; i++, flags >>= 1) {
      if ((flags & 1) !== 1) continue;
      var sensor = this.SENSORS[i], x = [];
      for (var j = 0; j < sensor.length; j++, pos += 2) x.push(this.read_int(bytes, pos));
      for (var k = 0; k < sensor.values.length; k++) {
        var v = sensor.values[k];
        result[v.name] = { value: Math.round(v.convert(x) * 1000) / 1000, unit: v.unit };
      }
    }
    return result;
  }
};
function decodeUplink(input) {
  var res = station_decoder.decode(input.bytes);
  if (res.error) { return { errors: [res.error] }; }
  return { data: res };
}
function main() { console.log(station_decoder.decode([2, 0, 1, 0, 0])); }
if (typeof require !== 'undefined' && require.main === module) main();
