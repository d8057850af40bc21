/** Subjects of the API and their roles. */

/** `admin` may do whatever `user` may. */
export type Role = 'admin' | 'user';

/** Whoever holds a token of the API. */
export type Subject = { readonly id: string; readonly name: string; readonly role: Role };
