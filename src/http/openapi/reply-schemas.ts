/** The bodies of replies as schemas, by the names that the document gives them. Nothing checks a reply with them but tests. */
import { z } from 'zod';

export const replySchemas = z.registry<{ id: string }>();

export const usd = z
  .string()
  .regex(/^-?\d+(\.\d{1,9})?$/)
  .describe('US dollars as a decimal string, exact to the nano-dollar.');

export const time = z.iso.datetime();
