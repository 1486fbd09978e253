// Writes docs/openapi.json anew, after a change of what the server takes or answers.
import { writeFileSync } from 'node:fs';
import { openApiDocument } from '../dist/http/openapi/document.js';

writeFileSync('docs/openapi.json', `${JSON.stringify(openApiDocument(), null, 2)}\n`);
