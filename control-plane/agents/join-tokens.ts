/** Join tokens: an unknown agent enrols itself with one. Shown once, stored as hashes. */
import { SkerryError } from '@skerry/shared/errors.ts';
import type { Labels } from '@skerry/shared/function/names.ts';
import { createToken, hashToken } from '../crypto/tokens.ts';
import {
  insertJoinToken,
  type JoinTokenRow,
  listJoinTokens,
  removeExpiredJoinTokens,
  revokeJoinToken,
} from '../db/agents/join-tokens.ts';
import { isUuid } from '../db/ids.ts';
import type { Store } from '../db/store.ts';

export type JoinToken = {
  readonly id: string;
  readonly usesLeft: number;
  readonly usesMax: number;
  /** Labels that enrolled agents get in addition to their own. */
  readonly labels: Labels;
  readonly createdAt: Date;
  readonly createdBy: string;
  readonly expiresAt: Date;
};

type JoinTokenRequest = {
  readonly uses: number;
  readonly expiresInSeconds: number;
  readonly labels: Labels;
  /** Name of the subject that creates the token. */
  readonly createdBy: string;
};

export type JoinTokenService = {
  /** `token` is shown here and never again. */
  create(request: JoinTokenRequest): Promise<JoinToken & { readonly token: string }>;
  /** Tokens that are not revoked, newest first; expired ones for a week. */
  list(): Promise<JoinToken[]>;
  /** @throws SkerryError not_found */
  revoke(id: string): Promise<void>;
};

/** Milliseconds after which expired and revoked tokens are deleted. */
const keptMs = 7 * 86_400_000;

export function createJoinTokenService(
  store: Store,
  now: () => Date,
  randomBytes: (size: number) => Uint8Array,
): JoinTokenService {
  return {
    async create({ uses, expiresInSeconds, labels, createdBy }) {
      const token = createToken('sj_', randomBytes);
      const createdAt = now();
      const row = await store.change(async (orm) => {
        await removeExpiredJoinTokens(orm, new Date(createdAt.getTime() - keptMs));
        return insertJoinToken(orm, {
          tokenHash: hashToken(token),
          usesLeft: uses,
          usesMax: uses,
          labels,
          createdAt,
          createdBy,
          expiresAt: new Date(createdAt.getTime() + expiresInSeconds * 1000),
        });
      });
      if (!row) throw new SkerryError('internal', 'the inserted join token did not come back');
      return { ...toJoinToken(row), token };
    },
    list: async () => (await store.read(listJoinTokens)).map(toJoinToken),
    async revoke(id) {
      const missing = new SkerryError('not_found', 'There is no such join token');
      if (!isUuid(id)) throw missing;
      if (!(await store.change((orm) => revokeJoinToken(orm, id, now())))) throw missing;
    },
  };
}

function toJoinToken(row: JoinTokenRow): JoinToken {
  const { id, usesLeft, usesMax, labels, createdAt, createdBy, expiresAt } = row;
  return { id, usesLeft, usesMax, labels, createdAt, createdBy, expiresAt };
}
