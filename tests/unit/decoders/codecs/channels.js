/**
 * Room sensor: channel, type, value. The shape of codecs that serve three network servers from one file.
 */
// Network server of the LoRa Alliance's interface
function decodeUplink(input) {
    var decoded = roomSensorDecode(input.bytes);
    return { data: decoded };
}

// An older network server
function Decode(fPort, bytes) {
    return roomSensorDecode(bytes);
}

// Another older one
function Decoder(bytes, port) {
    return roomSensorDecode(bytes);
}

function roomSensorDecode(bytes) {
    var decoded = {};
    for (var i = 0; i < bytes.length; ) {
        var channel_id = bytes[i++];
        var channel_type = bytes[i++];
        if (channel_id === 0x01 && channel_type === 0x75) {
            decoded.battery = bytes[i];
            i += 1;
        } else if (channel_id === 0x03 && channel_type === 0x67) {
            decoded.temperature = readInt16LE(bytes.slice(i, i + 2)) / 10;
            i += 2;
        } else if (channel_id === 0x04 && channel_type === 0x68) {
            decoded.humidity = bytes[i] / 2;
            i += 1;
        } else if (channel_id === 0x20 && channel_type === 0xce) {
            var entry = { timestamp: readUInt32LE(bytes.slice(i, i + 4)), temperature: readInt16LE(bytes.slice(i + 4, i + 6)) / 10 };
            decoded.history = decoded.history || [];
            decoded.history.push(entry);
            i += 6;
        } else {
            console.log("unknown channel", channel_id, channel_type);
            break;
        }
    }
    return decoded;
}

function readUInt16LE(bytes) {
    var value = (bytes[1] << 8) + bytes[0];
    return value & 0xffff;
}

function readInt16LE(bytes) {
    var ref = readUInt16LE(bytes);
    return ref > 0x7fff ? ref - 0x10000 : ref;
}

function readUInt32LE(bytes) {
    var value = (bytes[3] << 24) + (bytes[2] << 16) + (bytes[1] << 8) + bytes[0];
    return (value & 0xffffffff) >>> 0;
}

if (!Object.assign) {
    Object.defineProperty(Object, "assign", { value: function (target) { return target; } });
}
