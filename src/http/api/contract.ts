/**
 * What the dashboard and the server say to each other below `/api`: a schema for each request, which the server checks,
 * and a type for each reply, which both are compiled against. Amounts of money are decimal strings of US dollars, exact
 * to the nano-dollar; times are ISO 8601 in UTC. Who has an account of their own sees that one, whatever `account` says;
 * an operator without `account` sees all of them. An id that belongs to another account is `not_found`.
 */
export * from './contract-business.ts';
export * from './contract-calls.ts';
export * from './contract-values.ts';
