// Rows of CSV (RFC 4180), as the daemon writes them: it has seen to it that no cell is a formula.

// Reads rows; a cell between quotation marks may have anything in it.
export function rowsOf(text) {
  const rows = [];
  let row = [];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === ",") continue;
    if (row.length > 1 || row[0]) rows.push(row);
    row = [];
  }
  return rows;
}

const cell = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

export const written = (rows) => rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("");
