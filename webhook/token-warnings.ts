import { PREFIX } from './names.ts';
import { writtenKey, type InjectionRequest } from './request.ts';

/** What is given away by the credential that the server gets. */
export function tokenWarnings(request: InjectionRequest): string[] {
  const { 'upstream-token': mode, upstream, 'upstream-token-url': url } = request;
  if (mode === undefined) return [];
  const key = `${PREFIX}${writtenKey(request, 'upstream-token')}: "${mode}"`;
  return [
    ...(mode === 'caller'
      ? [
          `${key} hands the tokens of callers to ${upstream?.host}: whoever runs it can call as they, here too`,
        ]
      : []),
    ...(mode === 'caller' && url === undefined
      ? [
          `${key} has no ${PREFIX}${writtenKey(request, 'upstream-token-url')}: the proxy itself asks the server for its tools without a token`,
        ]
      : []),
    ...(upstream?.host !== undefined && !upstream.isTls
      ? [`${key} sends tokens to ${upstream.host} over http: they cross the network in clear text`]
      : []),
  ];
}
