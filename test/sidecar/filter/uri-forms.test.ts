import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formsOf, urlMatcher } from '../../../sidecar/filter/uri-forms.ts';

describe('the forms of a URI', () => {
  for (const [uri, forms] of [
    ['note://a', ['note://a']],
    ['file:///a/../b', ['file:///a/../b', 'file:///b']],
    ['file:///a%2f..%2fb', ['file:///a%2f..%2fb', 'file:///a/../b', 'file:///b']],
    ['no uri at all', ['no uri at all']],
    ['file:///b%C3%BCcher', ['file:///b%C3%BCcher', 'file:///bücher']],
  ] as [string, string[]][])
    test(`of ${uri}`, () => assert.deepEqual([...formsOf(uri)].toSorted(), forms.toSorted()));
});

describe('a pattern of URLs', () => {
  for (const [pattern, url, matches] of [
    ['https://login.example.com', 'https://login.example.com/any?x=1', true],
    ['https://login.example.com', 'https://LOGIN.example.com', true],
    ['https://login.example.com', 'http://login.example.com/', false],
    ['https://login.example.com', 'https://login.example.com:8443/', false],
    ['https://login.example.com', 'https://login.example.com.evil.test/', false],
    ['https://*.example.com', 'https://a.example.com/', true],
    ['https://*.example.com', 'https://evil.test/.example.com', false],
    ['https://*.example.com', 'https://evil.test#.example.com', false],
    ['https://*.example.com', 'https://evil.test\\.example.com/', false],
    ['https://*.example.com', 'https://a.example.com@evil.test/', false],
    ['https://a.example.com', 'https://user@a.example.com/', false],
    ['https://a.example.com/login/*', 'https://a.example.com/login/1', true],
    ['https://a.example.com/login/*', 'https://a.example.com/login/../admin', false],
    ['https://a.example.com', 'javascript:alert(1)', false],
    ['https://a.example.com', '', false],
  ] as const)
    test(`${pattern} ${matches ? 'matches' : 'does not match'} ${url}`, () =>
      assert.equal(urlMatcher(pattern)(url), matches));
});
