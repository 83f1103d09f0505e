import { deflateSync, inflateSync, constants as zlib } from 'node:zlib';

/** A breach of SPDY/3: the connection cannot go on. */
export class SpdyError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'SpdyError';
  }
}

/** Names and values of a stream; values of one name are joined by NUL. */
export type Headers = ReadonlyMap<string, string>;

/** The most that all header blocks of one connection may come to, packed and unpacked: kubectl needs less than 1 kB. */
const MOST_BYTES = 64 * 1024;
/** Header blocks in one connection; kubectl sends five. */
const MOST_BLOCKS = 100;

/**
 * Unpacks the header blocks of a connection. They are one zlib stream, flushed after each block; Node's synchronous zlib
 * keeps no state between calls, so all blocks up to now are unpacked again each time. They are few and small, and
 * bounded. The function that comes back throws SpdyError.
 */
export function headerReader(): (block: Uint8Array) => Headers {
  let packed = Buffer.alloc(0);
  let seen = 0;
  let blocks = 0;
  return (block) => {
    packed = Buffer.concat([packed, block]);
    blocks += 1;
    if (packed.length > MOST_BYTES || blocks > MOST_BLOCKS) throw new SpdyError('too many headers');
    const unpacked = unpack(packed);
    const fresh = unpacked.subarray(seen);
    seen = unpacked.length;
    return parseHeaders(fresh);
  };
}

/**
 * Packs the header blocks of a connection. Stored blocks need no state between calls, every zlib reads them, and the few
 * bytes that kubectl gets (replies without headers) would not be smaller otherwise. After each comes the empty block of a
 * flush: Go's flate hands out what it has unpacked only there.
 */
export function headerWriter(): (headers: Headers) => Buffer {
  let first = true;
  return (headers) => {
    const content = formatHeaders(headers);
    if (content.length > 0xffff) throw new SpdyError('headers too long');
    // A stored block (RFC 1951 §3.2.4): not the last, of type 0; its length, and that inverted.
    const start = Buffer.alloc(5);
    start.writeUInt16LE(content.length, 1);
    start.writeUInt16LE(content.length ^ 0xffff, 3);
    const packed = Buffer.concat([first ? STREAM_START : Buffer.alloc(0), start, content, FLUSH]);
    first = false;
    return packed;
  };
}

function unpack(packed: Buffer): Buffer {
  try {
    return inflateSync(packed, {
      dictionary: DICTIONARY,
      finishFlush: zlib.Z_SYNC_FLUSH,
      maxOutputLength: MOST_BYTES,
    });
  } catch (cause) {
    throw new SpdyError(`headers cannot be unpacked: ${String(cause)}`);
  }
}

function parseHeaders(block: Buffer): Headers {
  const headers = new Map<string, string>();
  let offset = 0;
  const number = () => {
    if (offset + 4 > block.length) throw new SpdyError('header block cut short');
    offset += 4;
    return block.readUInt32BE(offset - 4);
  };
  const text = () => {
    const length = number();
    if (length > block.length - offset) throw new SpdyError('header block cut short');
    offset += length;
    return block.toString('latin1', offset - length, offset);
  };
  for (let left = number(); left > 0; left -= 1) {
    const name = text();
    const value = text();
    if (name === '' || name !== name.toLowerCase() || headers.has(name)) throw new SpdyError('bad header name');
    headers.set(name, value);
  }
  if (offset !== block.length) throw new SpdyError('bytes after the headers');
  return headers;
}

function formatHeaders(headers: Headers): Buffer {
  return Buffer.concat([uint32(headers.size), ...[...headers].flatMap(([name, value]) => [word(name), word(value)])]);
}

function word(text: string): Buffer {
  return Buffer.concat([uint32(text.length), Buffer.from(text, 'latin1')]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** The words that SPDY/3 (draft 3.1 §2.6.10.1) preloads its compression with, each after its length, then running text. */
const WORDS =
  'options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow ' +
  'authorization cache-control connection content-base content-encoding content-language content-length ' +
  'content-location content-md5 content-range content-type date etag expect expires from host if-match ' +
  'if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma ' +
  'proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade ' +
  'user-agent vary via warning www-authenticate method get status';
const TEXT =
  '100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505' +
  '203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized' +
  '403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable' +
  'Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT' +
  'chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,' +
  'text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.';
export const DICTIONARY = Buffer.concat([
  ...[...WORDS.split(' '), '200 OK', 'version', 'HTTP/1.1', 'url', 'public', 'set-cookie', 'keep-alive', 'origin'].map(
    word,
  ),
  Buffer.from(TEXT, 'latin1'),
]);

/** A stored block of nothing. */
const FLUSH = Buffer.from([0, 0, 0, 0xff, 0xff]);
/** How a zlib stream with this dictionary begins: method, flags, the dictionary's checksum. */
const STREAM_START = deflateSync(Buffer.alloc(0), { dictionary: DICTIONARY }).subarray(0, 6);
