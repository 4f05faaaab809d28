// Evaluated before a decoder's source, in the same realm. What it needs of the language is captured here, and
// whatever crosses over to Python is a primitive string: nothing that the source replaces (JSON, Object.prototype,
// Error, Array.prototype) has a part in it. Published codecs extend the built-in prototypes, so those are not frozen.
(function () {
  "use strict";
  const parse = JSON.parse;
  const stringify = JSON.stringify;
  const evaluate = eval;
  const asText = String;
  const apply = Reflect.apply;
  const keysOf = Object.keys;
  const slice = String.prototype.slice;
  const DateOf = Date;
  const ErrorOf = Error;
  const PromiseOf = Promise;
  const define = Object.defineProperty;
  const world = globalThis;
  const MOST_RESULT = 65536;
  const MOST_LINES = 20;
  const MOST_LINE = 500;

  // The engine turns an interruption into text outside of any limit of time, by calling these.
  const asWords = function () {
    return "InternalError: " + this.message;
  };
  define(InternalError.prototype, "toString", { value: asWords, writable: false, configurable: false });
  define(InternalError.prototype, Symbol.toPrimitive, { value: asWords, writable: false, configurable: false });
  define(Error, "prepareStackTrace", { value: undefined, writable: false, configurable: false });

  function cut(text, most) {
    return text.length > most ? apply(slice, text, [0, most]) + "…" : text;
  }

  function show(value) {
    try {
      if (typeof value === "string") return value;
      if (typeof value === "object" && value !== null && !(value instanceof ErrorOf)) {
        const text = stringify(value);
        if (typeof text === "string") return text;
      }
      return asText(value);
    } catch (_) {
      return "[cannot be shown]";
    }
  }

  // console: bounded lines, each as JSON.
  let logged = "";
  let lines = 0;
  function writer(level) {
    return function () {
      lines += 1;
      if (lines > MOST_LINES) return;
      let text = level;
      for (let at = 0; at < arguments.length && text.length <= MOST_LINE; at += 1) {
        text += " " + cut(show(arguments[at]), MOST_LINE);
      }
      logged += stringify(cut(text, MOST_LINE)) + "\n";
    };
  }
  const nothing = function () {};
  const terminal = {};
  for (const level of ["log", "info", "warn", "error", "debug"]) terminal[level] = writer(level);
  terminal.trace = terminal.dir = terminal.table = terminal.log;
  for (const name of ["assert", "clear", "count", "group", "groupCollapsed", "groupEnd", "time", "timeEnd", "timeLog"]) {
    terminal[name] = nothing;
  }

  // The names by which bundles find a host: CommonJS, AMD, and the global object.
  const own = { exports: {} };
  // What is thrown for a module that is asked for, and which one it was.
  const lack = { message: "the module is not available to decoders" };
  let unavailable = "";
  const first = own.exports;
  function amd() {
    let make = null;
    let wanted = null;
    for (let at = 0; at < arguments.length; at += 1) {
      if (typeof arguments[at] === "string") continue;
      if (at < arguments.length - 1) wanted = arguments[at];
      else make = arguments[at];
    }
    if (typeof make !== "function") {
      own.exports = make;
      return;
    }
    const given = [];
    const count = wanted === null ? 3 : wanted.length;
    for (let at = 0; at < count; at += 1) {
      const name = wanted === null ? ["require", "exports", "module"][at] : wanted[at];
      if (name === "exports") given[at] = own.exports;
      else if (name === "module") given[at] = own;
      else if (name === "require") given[at] = undefined;
      else {
        unavailable = asText(name);
        throw lack;
      }
    }
    const made = apply(make, undefined, given);
    if (made !== undefined) own.exports = made;
  }
  amd.amd = {};
  const offered = { console: terminal, exports: first, module: own, define: amd, self: world, window: world, global: world };
  // A source may declare the same names itself.
  for (const name of keysOf(offered)) {
    define(world, name, { value: offered[name], writable: true, configurable: true, enumerable: false });
  }

  const NAMES = ["decodeUplink", "encodeDownlink", "decodeDownlink", "Decode", "Decoder", "Encode", "Encoder", "exports", "module"];
  // Top-level functions, const, let and class are seen from the end of the source only.
  let ending = "\n;({";
  for (const name of NAMES) ending += name + ": typeof " + name + " === 'undefined' ? void 0 : " + name + ", ";
  ending += "})";
  let found = {};

  function member(owner, name) {
    if (owner === null || (typeof owner !== "object" && typeof owner !== "function")) return undefined;
    const value = owner[name];
    return typeof value === "function" ? value : undefined;
  }

  // The owner of a function: every place in which published codecs put theirs.
  function holder(name) {
    if (member(found, name)) return found;
    const holders = [own.exports, found.module ? found.module.exports : undefined, found.exports, first];
    for (let at = 0; at < 4; at += 1) {
      const owner = holders[at];
      if (member(owner, name)) return owner;
      if (owner && member(owner.default, name)) return owner.default;
    }
    if (member(world, name)) return world;
    // A bundle under a name of its own, there or in the global object.
    for (let at = 0; at < 2; at += 1) {
      const owner = at === 0 ? own.exports : world;
      if (owner === null || typeof owner !== "object") continue;
      const names = keysOf(owner);
      for (let index = 0; index < names.length && index < 200; index += 1) {
        if (member(owner[names[index]], name)) return owner[names[index]];
      }
    }
    return undefined;
  }

  const missing = {};
  function result(name, input) {
    let owner = holder(name);
    if (owner) return apply(owner[name], owner === found ? undefined : owner, [input]);
    if (name === "decodeUplink") {
      if ((owner = holder("Decode"))) return { data: apply(owner.Decode, undefined, [input.fPort, input.bytes, {}]) };
      if ((owner = holder("Decoder"))) return { data: apply(owner.Decoder, undefined, [input.bytes, input.fPort]) };
      const alone = typeof own.exports === "function" ? own.exports : member(own.exports, "default");
      if (alone) {
        if (alone.name === "Decode") return { data: apply(alone, undefined, [input.fPort, input.bytes, {}]) };
        if (alone.name === "Decoder") return { data: apply(alone, undefined, [input.bytes, input.fPort]) };
        return apply(alone, undefined, [input]);
      }
    }
    if (name === "encodeDownlink") {
      const port = input.fPort || 1;
      if ((owner = holder("Encode"))) return { fPort: port, bytes: apply(owner.Encode, undefined, [port, input.data, {}]) };
      if ((owner = holder("Encoder"))) return { fPort: port, bytes: apply(owner.Encoder, undefined, [input.data, port]) };
    }
    return missing;
  }

  // What crosses over is what `stringify` made: an object, or a text of a code, its value and a stack. Other strings may be
  // ropes, which the binding to Python does not know. The code comes first, as a source's own words may hold anything.
  function refused(code, value, stack) {
    return stringify(code + "\0" + cut(value, 1000) + "\0" + cut(stack, 1000));
  }

  function describe(error, located) {
    if (error === lack) return refused("no_module", unavailable, "");
    let code = "thrown";
    let words = "";
    let stack = "";
    try {
      if (typeof error === "object" && error !== null && !(error instanceof ErrorOf) && typeof error.message === "string") {
        words = error.message;
      } else words = asText(error);
      if (located && error instanceof ErrorOf) stack = error.stack;
    } catch (_) {
      code = "unshowable";
    }
    return refused(code, words, typeof stack === "string" ? stack : "");
  }

  function load(source) {
    try {
      found = evaluate(parse(source) + ending);
      return "{}";
    } catch (error) {
      return describe(error, true);
    }
  }

  function call(name, text) {
    const input = parse(text);
    if (typeof input.recvTime === "number") input.recvTime = new DateOf(input.recvTime);
    let made;
    try {
      made = result(name, input);
    } catch (error) {
      return describe(error, true);
    }
    if (made === missing) return refused("no_function", name, "");
    try {
      if (made instanceof PromiseOf) return refused("promise", name, "");
      const written = typeof made === "object" ? stringify(made) : undefined;
      if (typeof written !== "string" || written[0] !== "{") return refused("no_object", name, "");
      if (written.length <= MOST_RESULT) return written;
      return refused("long_result", asText(MOST_RESULT), "");
    } catch (error) {
      return describe(error, false);
    }
  }

  function drain() {
    // No level of a line of the decoder's own.
    const text = lines > MOST_LINES ? logged + '"dropped ' + (lines - MOST_LINES) + '"\n' : logged;
    logged = "";
    lines = 0;
    return stringify(text);
  }

  return function (what, name, text) {
    if (what === "call") return call(name, text);
    return what === "load" ? load(text) : drain();
  };
})();
