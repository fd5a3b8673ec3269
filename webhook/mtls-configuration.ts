/** From annotations to callers with client certificates. */
import type { MtlsAuth } from '../sidecar/auth/mtls/mtls-config.ts';
import { directoryOf } from './mounted-sources.ts';
import type { InjectionRequest } from './request.ts';

export const mtlsConfigOf = (
  request: InjectionRequest,
): Pick<MtlsAuth, 'mode' | 'source' | 'allow'> & { directory?: string } => {
  const { 'mtls-ca-secret': secret, 'mtls-ca-configmap': configMap, 'mtls-allow': allow } = request;
  return {
    mode: 'mtls',
    source: secret === undefined ? `configmap/${configMap}` : `secret/${secret}`,
    ...directoryOf(request, 'clientAuthority'),
    ...(allow && { allow }),
  };
};
