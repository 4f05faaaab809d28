// Lists of keys as makers send them.

/** The AppKey of each DevEUI: a line of a list has both, in whatever order and with whatever between. A line with two
 * keys, or with more EUIs than a DevEUI and a JoinEUI, is not guessed at; of two EUIs the first is the DevEUI. */
export function keysIn(text: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of text.split(/[\r\n]+/).slice(0, 10_000)) {
    const words = line
      .slice(0, 1000)
      .toUpperCase()
      .split(/[\s,;"'|]+/);
    const plain = words.map((word) => word.replace(/^0X|[:-]/g, ""));
    const euis = plain.filter((word) => /^[0-9A-F]{16}$/.test(word));
    const keys = plain.filter((word) => /^[0-9A-F]{32}$/.test(word));
    const [eui, key] = [euis[0], keys[0]];
    if (eui && key && euis.length <= 2 && keys.length === 1) found.set(eui, key);
  }
  return found;
}
