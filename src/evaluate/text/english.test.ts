/** The examples are those that the normaliser's authors publish with it, and the traps between them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { numbersToDigits } from './english-numbers.ts';
import { americanSpelling } from './english-spelling.ts';
import { englishWords } from './english.ts';

const numbers: Readonly<Record<string, string>> = {
  two: '2',
  'thirty one': '31',
  'five twenty four': '524',
  'nineteen ninety nine': '1999',
  'twenty nineteen': '2019',
  'two point five million': '2500000',
  'four point two billions': '4200000000s',
  '200 thousand': '200000',
  '200 thousand dollars': '$200000',
  '$20 million': '$20000000',
  '€52.4 million': '€52400000',
  '£77 thousands': '£77000s',
  'two double o eight': '2008',
  'three thousand twenty nine': '3029',
  'forty three thousand two hundred sixty': '43260',
  'forty three thousand two hundred and sixty': '43260',
  'nineteen fifties': '1950s',
  'thirty first': '31st',
  'thirty three thousand and three hundred and thirty third': '33333rd',
  'three billion': '3000000000',
  millions: '1000000s',
  'july third twenty twenty': 'july 3rd 2020',
  'august twenty sixth twenty twenty one': 'august 26th 2021',
  '3 14': '3 14',
  '3.14': '3.14',
  '3 point 2': '3.2',
  '3 point 14': '3.14',
  'fourteen point 4': '14.4',
  'two point two five dollars': '$2.25',
  'two hundred million dollars': '$200000000',
  '$20.1 million': '$20100000',
  'ninety percent': '90%',
  'seventy six per cent': '76%',
  'double oh seven': '007',
  'double zero seven': '007',
  'nine one one': '911',
  'nine double one': '911',
  'one triple oh one': '10001',
  'two thousandth': '2000th',
  'thirty two thousandth': '32000th',
  'minus 500': '-500',
  'positive twenty thousand': '+20000',
  'two dollars and seventy cents': '$2.70',
  '3 cents': '¢3',
  '$0.36': '¢36',
  'three euros and sixty five cents': '€3.65',
  'three and a half million': '3500000',
  'forty eight and a half dollars': '$48.5',
  'two million three thousand and one': '2003001',
  'zero point zero five': '0.05',
  'one point twenty five': '1.25',
  'oh that is one and the other': 'oh that is 1 and the other',
  'a double bed': 'a double bed',
  'what is the point': 'what is the point',
  'plus a little': 'plus a little',
};

for (const [words, digits] of Object.entries(numbers)) {
  test(`"${words}" is ${digits}`, () => assert.equal(numbersToDigits(words.split(' ')).join(' '), digits));
}

const texts: Readonly<Record<string, string>> = {
  "Let's": 'let us',
  "he's like": 'he is like',
  "she's been like": 'she has been like',
  '10km': '10 km',
  '10mm': '10 mm',
  RC232: 'rc 232',
  b747: 'b 747',
  '10 th': '10th',
  '10th': '10th',
  'Mr. Park visited Assoc. Prof. Kim Jr.': 'mister park visited associate professor kim junior',
  'Um, I mean, uh [laughter] it costs (inaudible) $1,234.50!': 'i mean it costs $1234.50',
  'I CAN’T, you won’t, they’d gone': 'i can not you will not they had gone',
  'cold-hearted': 'cold hearted',
  'Cannot / can not / can’t': 'can not can not can not',
  'café Łódź naïve Æsop': 'cafe lodz naive aesop',
  'No one, none': 'no one none',
  'go forward 10 meters': 'go forward 10 meters',
  'Go forward ten metres.': 'go forward 10 meters',
  'the colour, the 1st 50%': 'the color the 1st 50%',
  '  ': '',
};

for (const [text, words] of Object.entries(texts)) {
  test(`"${text}" is compared as "${words}"`, () => assert.equal(englishWords(text).join(' '), words));
}

const spellings: Readonly<Record<string, string>> = {
  mobilisation: 'mobilization',
  cancelation: 'cancellation',
  organising: 'organizing',
  colours: 'colors',
  neighbourhood: 'neighborhood',
  theatre: 'theater',
  travelled: 'traveled',
  counsellor: 'counselor',
  marvellous: 'marvelous',
  analysed: 'analyzed',
  dialogues: 'dialogs',
  grey: 'gray',
  paediatrician: 'pediatrician',
};

test('British spellings become American ones, by family and one by one', () => {
  for (const [british, american] of Object.entries(spellings)) assert.equal(americanSpelling(british), american);
});

test('words that only look British stay as they are', () => {
  for (const word of 'advise exercise surprise raised promised wise hour four pour tour acre ogre filling calling precise'.split(
    ' ',
  )) {
    assert.equal(americanSpelling(word), word);
  }
});
