/** No size is longer than this; more without an end is no size. */
const LONGEST_SIZE = 256;

/**
 * Reads the sizes of a terminal from the resize channel, a stream of {"Width":columns,"Height":rows}, and gives the
 * function that takes its pieces. What is no size is passed over.
 */
export function terminalSizes(onSize: (columns: number, rows: number) => void): (chunk: Uint8Array) => void {
  let text = '';
  return (chunk) => {
    const pieces = (text + Buffer.from(chunk).toString('latin1')).split('}');
    text = (pieces.pop() ?? '').slice(0, LONGEST_SIZE);
    for (const piece of pieces) {
      const size = parseSize(`${piece}}`);
      if (size) onSize(size.columns, size.rows);
    }
  };
}

function parseSize(text: string): { columns: number; rows: number } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { Width: columns, Height: rows } = value as { Width?: unknown; Height?: unknown };
  return isLength(columns) && isLength(rows) ? { columns, rows } : undefined;
}

/** client-go's TerminalSize has 16 bits a side; a terminal of nothing is what a pty without a size says. */
function isLength(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= 0xffff;
}
