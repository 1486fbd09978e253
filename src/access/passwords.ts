/** Passwords are chosen by people, so that they are stored as a slow hash: scrypt, with the figures that made it. */
import { randomBytes, scrypt, timingSafeEqual, type ScryptOptions } from 'node:crypto';
import { AppError } from '../core/errors.ts';
import { createPlaces } from '../core/places.ts';

export interface Passwords {
  /** What is stored for a password. */
  hash(password: string): Promise<string>;
  /** Takes as long for a user who is not there, or who has no password yet, as for one who is: `stored` is null then. */
  matches(password: string, stored: string | null): Promise<boolean>;
}

interface Work {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

/** 32 MB and about a third of a second for each. */
const WORK: Work = { N: 2 ** 15, r: 8, p: 3 };
const KEY_BYTES = 32;
const SALT_BYTES = 16;

/** What the library wants beside the memory that the figures ask for. */
const SMALL_MEMORY = 2 ** 20;

/** Hashes at a time, and how many may wait for them: more would take the machine from those who transcribe. */
const AT_ONCE_MAX = 2;
const WAITING_MAX = 20;
const RETRY_SECONDS = 5;

export function createPasswords(work: Work = WORK): Passwords {
  const places = createPlaces(AT_ONCE_MAX);
  let present = 0;

  /** One after the other beyond the places; throws `overloaded` where too many wait already. */
  async function derive(password: string, salt: Buffer, how: Work): Promise<Buffer> {
    if (present >= AT_ONCE_MAX + WAITING_MAX) {
      throw new AppError('overloaded', {
        message: 'Too many people are logging in at the moment. Try again in a few seconds.',
        retryAfterSeconds: RETRY_SECONDS,
      });
    }
    present += 1;
    try {
      using _place = await places.take(new AbortController().signal);
      return await slowHash(password, salt, how);
    } finally {
      present -= 1;
    }
  }

  const nobody = { how: work, salt: randomBytes(SALT_BYTES), key: randomBytes(KEY_BYTES) };
  return {
    async hash(password) {
      const salt = randomBytes(SALT_BYTES);
      const key = await derive(password, salt, work);
      return ['scrypt', work.N, work.r, work.p, salt.toString('base64'), key.toString('base64')].join('$');
    },
    async matches(password, stored) {
      const { how, salt, key } = stored === null ? nobody : read(stored);
      return timingSafeEqual(await derive(password, salt, how), key);
    },
  };
}

function read(stored: string): { how: Work; salt: Buffer; key: Buffer } {
  const [, N, r, p, salt = '', key = ''] = stored.split('$');
  const how = { N: Number(N), r: Number(r), p: Number(p) };
  return { how, salt: Buffer.from(salt, 'base64'), key: Buffer.from(key, 'base64') };
}

function slowHash(password: string, salt: Buffer, how: Work): Promise<Buffer> {
  const options: ScryptOptions = { ...how, maxmem: 256 * how.N * how.r + SMALL_MEMORY };
  return new Promise((resolve, reject) => {
    // One text can be written in several ways in Unicode; the same keys on another keyboard must give the same bytes.
    scrypt(password.normalize('NFKC'), salt, KEY_BYTES, options, (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });
}
