(function webpackUniversalModuleDefinition(root, factory) {
	if(typeof exports === 'object' && typeof module === 'object')
		module.exports = factory();
	else if(typeof define === 'function' && define.amd)
		define([], factory);
	else {
		var a = factory();
		for(var i in a) (typeof exports === 'object' ? exports : root)[i] = a[i];
	}
})(self, () => {
return /******/ (() => { // webpackBootstrap
/******/ 	var __webpack_modules__ = ({
/***/ 10:
/***/ ((__unused, exports, need) => {
"use strict";
var position = need(20);
class Tracker {
  constructor(payload) { this.payload = payload; }
  get battery() { return this.payload[1]; }
  toData() {
    return { battery: this.battery, position: position.read(this.payload, 2), moving: (this.payload[0] & 1) === 1 };
  }
}
exports.Tracker = Tracker;
/***/ }),
/***/ 20:
/***/ ((__unused, exports) => {
"use strict";
exports.read = function (payload, at) {
  const degrees = (o) => ((payload[o] << 24) | (payload[o + 1] << 16) | (payload[o + 2] << 8) | payload[o + 3]) / 1e7;
  return { latitude: degrees(at), longitude: degrees(at + 4) };
};
/***/ })
/******/ 	});
/******/ 	var cache = {};
/******/ 	function need(id) {
/******/ 		if (cache[id] !== undefined) return cache[id].exports;
/******/ 		var module = cache[id] = { exports: {} };
/******/ 		__webpack_modules__[id](module, module.exports, need);
/******/ 		return module.exports;
/******/ 	}
var __webpack_exports__ = {};
(() => {
  const { Tracker } = need(10);
  __webpack_exports__.decodeUplink = function (input) {
    try { return { data: new Tracker(input.bytes).toData() }; }
    catch (e) { console.error(e); return { errors: [e.message] }; }
  };
})();
/******/ 	return __webpack_exports__;
/******/ })();
});
