"use strict";
// As the TypeScript compiler writes it.
var __assign = (this && this.__assign) || function () {
    __assign = Object.assign || function (t) {
        for (var s, i = 1, n = arguments.length; i < n; i++) {
            s = arguments[i];
            for (var p in s) if (Object.prototype.hasOwnProperty.call(s, p)) t[p] = s[p];
        }
        return t;
    };
    return __assign.apply(this, arguments);
};
Object.defineProperty(exports, "__esModule", { value: true });
exports.decodeUplink = exports.encodeDownlink = void 0;
var Kind;
(function (Kind) {
    Kind[Kind["Measure"] = 1] = "Measure";
    Kind[Kind["Alarm"] = 2] = "Alarm";
})(Kind || (Kind = {}));
function decodeUplink(input) {
    var kind = input.bytes[0];
    if (!(kind in Kind)) {
        return { data: {}, errors: ["unknown kind ".concat(kind)] };
    }
    var base = { kind: Kind[kind] };
    return { data: __assign(__assign({}, base), { level: (input.bytes[1] << 8) | input.bytes[2] }), warnings: kind === Kind.Alarm ? ["alarm"] : [] };
}
exports.decodeUplink = decodeUplink;
function encodeDownlink(input) {
    return { fPort: 10, bytes: [0x01, input.data.interval >> 8, input.data.interval & 0xff] };
}
exports.encodeDownlink = encodeDownlink;
