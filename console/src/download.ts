// Files that are made in the page.

/** Saves a text as a file, as it is. */
export function saveFile(name: string, text: string, type = "text/plain"): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  saveLink(name, url);
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

export function saveLink(name: string, url: string): void {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
}

/** Saves a table; spreadsheets read CSV with a byte order mark in all languages. */
export function save(name: string, text: string): void {
  saveFile(name, `\uFEFF${text}`, "text/csv");
}

/** A cell that no spreadsheet takes for a formula or for several cells; an import reads it as it was. Numbers stay, and ="0012". */
export function csvCell(cell: string): string {
  const harmless = /^[+-]?\d+(\.\d+)?$|^="[^"]*"$/.test(cell) || !/^'*\s*[=+\-@\t\r\n＝＋－＠]/.test(cell);
  const safe = harmless ? cell : `'${cell}`;
  return /[,;|\t"\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
