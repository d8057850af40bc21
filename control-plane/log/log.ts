/**
 * The log: one JSON line per event on stdout. It contains no tokens, inputs or outputs: headers and bodies are never
 * logged, and errors of the database come without the parameters of their statements (db/errors.ts).
 */
import { type Logger as PinoLogger, pino } from 'pino';

export type Logger = PinoLogger;

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

export function createLog(level: LogLevel): Logger {
  return pino({ level, base: { service: 'control-plane' }, timestamp: pino.stdTimeFunctions.isoTime });
}
