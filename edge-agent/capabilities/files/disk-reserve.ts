/**
 * Keeps a part of every file system free from functions: a directory that is granted `rw` has no limit of its own, and
 * a full disk would stop the agent and the device.
 *
 * Invariant: writes of functions never leave less than the reserve, except for writes of others since the last look,
 * which is at most `lookMs` old. Writes of functions in between are counted.
 */
import { statfs } from 'node:fs/promises';
import { FileRefused } from './errno.ts';

/** The reserve: this many bytes, or this share of the file system if that is more; of its inodes, the share. */
const leastBytes = 64 * 1024 * 1024;
const share = 0.05;
/** Milliseconds for which a look is valid. */
const lookMs = 1_000;
/** File systems that are remembered; granted directories are on fewer. */
const maxDevices = 64;

/** The required fields of statfs(2); `files` is 0 where inodes are not counted. */
export type Space = Readonly<Record<'bsize' | 'blocks' | 'bavail' | 'files' | 'ffree', number>>;

export type DiskReserve = {
  /**
   * Reserves room for a write.
   * @param device number of the file system
   * @param path of any file on it
   * @throws FileRefused('insufficient-space') when less than the reserve would be left
   */
  take(device: bigint, path: string, need: Need): Promise<void>;
  /** Whether there is room now; reserves nothing. */
  has(device: bigint, path: string, need: Need): Promise<boolean>;
};

/** Bytes, and new files and directories. */
type Need = { readonly bytes: number; readonly files?: number };

/** Bytes that may still be written until the next look. */
type Room = { bytes: number; files: number };

/** @param now in milliseconds; only differences count */
export function createDiskReserve(
  space: (path: string) => Promise<Space> = statfs,
  now: () => number = () => performance.now(),
): DiskReserve {
  const looks = new Map<bigint, { readonly at: number; readonly room: Promise<Room> }>();

  const look = async (path: string): Promise<Room> => {
    const { bsize, blocks, bavail, files, ffree } = await space(path);
    return {
      bytes: bavail * bsize - Math.max(leastBytes, blocks * bsize * share),
      files: files === 0 ? Infinity : ffree - files * share,
    };
  };
  const roomOn = (device: bigint, path: string): Promise<Room> => {
    const last = looks.get(device);
    if (last && now() - last.at < lookMs) return last.room;
    if (looks.size >= maxDevices) looks.clear();
    const room = look(path);
    looks.set(device, { at: now(), room });
    return room;
  };

  const fits = (room: Room, { bytes, files = 0 }: Need) => room.bytes >= bytes && room.files >= files;

  return {
    async take(device, path, need) {
      const room = await roomOn(device, path);
      if (!fits(room, need)) throw new FileRefused('insufficient-space');
      room.bytes -= need.bytes;
      room.files -= need.files ?? 0;
    },
    has: async (device, path, need) => fits(await roomOn(device, path), need),
  };
}
