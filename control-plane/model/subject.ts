/** Subjects of the API and their roles. */

/** `admin` may do everything that `user` may. */
export type Role = 'admin' | 'user';

/** The owner of a token of the API. */
export type Subject = { readonly id: string; readonly name: string; readonly role: Role };
