/** What an object of the Kubernetes API says of itself that is a Secret, or a list of them. */
export const isSecretKind = (kind: string): boolean => kind === 'Secret' || kind === 'SecretList';

const TYPES =
  /^(?:Opaque|kubernetes\.io\/(?:service-account-token|dockercfg|dockerconfigjson|basic-auth|ssh-auth|tls)|bootstrap\.kubernetes\.io\/token|helm\.sh\/release\.v1)$/;

/** Servers that leave out the kind keep the type. */
export const isSecretType = (type: string | undefined): boolean => type !== undefined && TYPES.test(type);
