// Makes a PNG of a screen small: its 256 most frequent colours, every other one as the nearest of them, packed as well as it goes.
import { crc32, deflateSync, inflateSync } from 'node:zlib';

const SIGNATURE = 8;
const COLOURS = 256;

/** The chunks of a PNG by their names. */
function chunksOf(png) {
  const chunks = [];
  for (let at = SIGNATURE; at < png.length;) {
    const length = png.readUInt32BE(at);
    const name = png.toString('latin1', at + 4, at + 8);
    chunks.push({ name, data: png.subarray(at + 8, at + 8 + length) });
    at += 12 + length;
  }
  return chunks;
}

/** What a filtered byte is predicted by, from its neighbours to the left, above, and both. */
function predicted(filter, left, above, corner) {
  if (filter === 1) return left;
  if (filter === 2) return above;
  if (filter === 3) return (left + above) >> 1;
  if (filter !== 4) return 0;
  const [a, b, c] = [Math.abs(above - corner), Math.abs(left - corner), Math.abs(left + above - 2 * corner)];
  return a <= b && a <= c ? left : b <= c ? above : corner;
}

/** The bytes of a picture of 8 bits a channel, row by row. */
function pixelsOf(png) {
  const chunks = chunksOf(png);
  const { data: head } = chunks.find(({ name }) => name === 'IHDR');
  const [width, height, depth, kind] = [head.readUInt32BE(0), head.readUInt32BE(4), head[8], head[9]];
  const channels = { 2: 3, 6: 4 }[kind];
  if (depth !== 8 || channels === undefined) throw new Error('not a picture of 8 bits with colours');
  const packed = inflateSync(
    Buffer.concat(chunks.filter(({ name }) => name === 'IDAT').map(({ data }) => data)),
  );
  const stride = width * channels;
  const bytes = Buffer.alloc(height * stride);
  for (let y = 0; y < height; y++) {
    const filter = packed[y * (stride + 1)];
    for (let x = 0; x < stride; x++) {
      const at = y * stride + x;
      const left = x < channels ? 0 : bytes[at - channels];
      const above = y === 0 ? 0 : bytes[at - stride];
      const corner = x < channels || y === 0 ? 0 : bytes[at - stride - channels];
      bytes[at] = packed[y * (stride + 1) + 1 + x] + predicted(filter, left, above, corner);
    }
  }
  return { width, height, channels, bytes };
}

function chunk(name, data) {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), data]);
  const whole = Buffer.alloc(body.length + 8);
  whole.writeUInt32BE(data.length, 0);
  body.copy(whole, 4);
  whole.writeUInt32BE(crc32(body), body.length + 4);
  return whole;
}

/** The same picture with a palette. What is transparent becomes solid. */
export function smallPng(png) {
  const { width, height, channels, bytes } = pixelsOf(png);
  const colours = new Uint32Array(width * height);
  const counts = new Map();
  for (let i = 0; i < colours.length; i++) {
    const [red, green, blue] = bytes.subarray(i * channels, i * channels + 3);
    colours[i] = (red << 16) | (green << 8) | blue;
    counts.set(colours[i], (counts.get(colours[i]) ?? 0) + 1);
  }
  const palette = [...counts]
    .sort((a, b) => b[1] - a[1] || a[0] - b[0])
    .slice(0, COLOURS)
    .map(([colour]) => colour);
  const distance = (a, b) =>
    [16, 8, 0].reduce((sum, bits) => sum + (((a >> bits) & 255) - ((b >> bits) & 255)) ** 2, 0);
  const places = new Map(palette.map((colour, place) => [colour, place]));
  for (const colour of counts.keys())
    if (!places.has(colour)) {
      let best = 0;
      palette.forEach((one, place) => {
        if (distance(one, colour) < distance(palette[best], colour)) best = place;
      });
      places.set(colour, best);
    }
  const rows = Buffer.alloc(height * (width + 1));
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) rows[y * (width + 1) + 1 + x] = places.get(colours[y * width + x]);
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 3, 0, 0, 0], 8);
  return Buffer.concat([
    png.subarray(0, SIGNATURE),
    chunk('IHDR', head),
    chunk(
      'PLTE',
      Buffer.from(palette.flatMap((colour) => [colour >> 16, (colour >> 8) & 255, colour & 255])),
    ),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}
