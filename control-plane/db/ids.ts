/** Form of the database's ids: what has another form is not there, and Postgres need not be asked. */

const form = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function isUuid(text: string): boolean {
  return form.test(text);
}
