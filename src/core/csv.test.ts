import assert from 'node:assert/strict';
import { test } from 'node:test';
import { csvText } from './csv.ts';

test('a text that a spreadsheet would run is written as text, and numbers stay numbers', () => {
  const names = ['=1+1', '+1', '-1+1', '@SUM(A1)', '\t=1', '=HYPERLINK("http://x","y")', 'plain', '-0.5'];
  assert.equal(csvText([names]), `'=1+1,'+1,'-1+1,'@SUM(A1),'\t=1,"'=HYPERLINK(""http://x"",""y"")",plain,-0.5\r\n`);
  assert.equal(csvText([['a,b', 'c"d', 'e\nf', -1.5]]), '"a,b","c""d","e\nf",-1.5\r\n');
});
