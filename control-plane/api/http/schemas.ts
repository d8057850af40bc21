/** Schemas that several routes share, and the errors of the OpenAPI document. */
import { z } from '@hono/zod-openapi';
import { errorCodes } from '@skerry/shared/errors.ts';
import { namePattern } from '@skerry/shared/function/names.ts';

const checkName = (name: string, context: z.RefinementCtx) => {
  if (namePattern.test(name)) return;
  const message = name === '' ? "can't be blank" : 'must be 1 to 63 letters, digits, "_" or inner "-"';
  context.addIssue({ code: 'custom', message });
};
const nameForm = { type: 'string', pattern: namePattern.source } as const;

/** A name in a request body; absent: 400. */
export const bodyNameSchema = z.string().superRefine(checkName).openapi(nameForm);

/** A name in a request body whose absence FunLess reports like an empty name: 422 "can't be blank". */
export const blankNameSchema = z.string().default('').superRefine(checkName).openapi(nameForm);

/** Names in paths are not checked: an invalid name is simply not found. */
export const pathName = (description: string) => z.string().openapi({ description, example: '_' });

/** A parameter of a path that is documented by hand. */
export function pathParameter(name: string) {
  return { name, in: 'path' as const, required: true, schema: { type: 'string' as const } };
}

export const agentLabelsSchema = z.record(z.string(), z.string());

const problemSchema = z
  .object({
    errors: z
      .object({
        detail: z.string(),
        code: z.enum(errorCodes),
        message: z.string().optional(),
        fields: z
          .record(z.string(), z.array(z.string()))
          .optional()
          .openapi({ description: 'Messages by field of the request; each also stands beside it under its own name' }),
      })
      .catchall(z.union([z.string(), z.array(z.string())])),
  })
  .openapi('Problem');

export const dataEnvelope = <Schema extends z.ZodType>(schema: Schema) => z.object({ data: schema });

/** A JSON answer. */
export const json = <Schema extends z.ZodType>(schema: Schema, description: string) => ({
  description,
  content: { 'application/json': { schema } },
});

/** A JSON body of a request. */
export const jsonBody = <Schema extends z.ZodType>(schema: Schema) => ({
  required: true,
  content: { 'application/json': { schema } },
});

const descriptions = {
  400: 'Malformed request',
  401: 'No valid token',
  403: 'The role is too low',
  404: 'Not there',
  406: 'JSON is not accepted',
  409: 'Conflict with the current state',
  413: 'Body over the limit',
  422: 'Invalid field, refused component, or error of the function',
  500: 'The function failed, or the control plane did',
  502: 'The agent was lost in mid-call',
  503: 'No agent, or the database is away',
  504: 'Deadline passed',
} as const;

type Status = keyof typeof descriptions;

/** Error answers of a route. */
export function problems(...statuses: Status[]): Record<string, ReturnType<typeof json>> {
  return Object.fromEntries(statuses.map((status) => [status, json(problemSchema, descriptions[status])]));
}

/** Declares in the document that a route needs a token. */
export const bearer = [{ bearer: [] as string[] }];
