// EUIs and keys as people type them.

/** Hexadecimal digits in capitals, without what people put between them. */
export function plainHex(text: string): string {
  return text.replace(/[\s:.-]/g, "").toUpperCase();
}

export function isEui(text: string): boolean {
  return /^[0-9A-F]{16}$/.test(text);
}

export function isKey(text: string): boolean {
  return /^[0-9A-F]{32}$/.test(text);
}

export function randomHex(octets: number): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(octets)), (octet) => octet.toString(16).padStart(2, "0"))
    .join("")
    .toUpperCase();
}
