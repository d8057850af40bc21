/** Identifies the caller, and checks its role. Answers from memory; catalog/catalog.ts has the subjects. */
import { SkerryError } from '@skerry/shared/errors.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Role, Subject } from '../model/subject.ts';

const scheme = /^bearer +/i;

/**
 * The subject of an `Authorization` header (RFC 6750, section 2.1).
 * @throws SkerryError unauthorized, forbidden
 */
export function authenticate(
  catalog: Pick<Catalog, 'subjectByToken'>,
  authorization: string | undefined,
  role: Role,
): Subject {
  const token = authorization?.replace(scheme, '');
  const subject = token && token !== authorization ? catalog.subjectByToken(token.trim()) : undefined;
  if (!subject) throw new SkerryError('unauthorized', 'Unauthorized');
  if (role === 'admin' && subject.role !== 'admin') throw new SkerryError('forbidden', 'This needs the role admin');
  return subject;
}
