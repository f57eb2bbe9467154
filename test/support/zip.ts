import { createHash } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';

export interface ZipMember {
  name: string;
  data: string | Uint8Array;
  /** The uncompressed size that the headers claim, when not the real one. */
  claimedSize?: number;
}

/** A zip file with deflated members, just enough of the format for readers that do not check the CRC. */
export function makeZip(members: readonly ZipMember[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, data, claimedSize } of members) {
    const raw = Buffer.from(data);
    const packed = deflateRawSync(raw);
    const path = Buffer.from(name);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(0x800, 2);
    common.writeUInt16LE(8, 4);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(claimedSize ?? raw.length, 18);
    common.writeUInt16LE(path.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, path, packed]);
    const position = Buffer.alloc(14);
    position.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00'), common, position, path]));
    parts.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06');
  end.writeUInt16LE(members.length, 8);
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, central, end]);
}

/** A wheel: the files, METADATA, and a RECORD of their digests. */
export function makeWheel(
  distribution: string,
  files: readonly ZipMember[],
  metadata: readonly string[] = [],
): Buffer {
  const info = `${distribution}.dist-info`;
  const all = [
    ...files,
    { name: `${info}/METADATA`, data: ['Metadata-Version: 2.1', ...metadata, ''].join('\n') },
  ];
  const lines = all.map(({ name, data }) => {
    const digest = createHash('sha256').update(data).digest('base64url');
    return `${name},sha256=${digest},${Buffer.from(data).length}`;
  });
  return makeZip([...all, { name: `${info}/RECORD`, data: [...lines, `${info}/RECORD,,`, ''].join('\n') }]);
}
