/** What `inject()` must know beside the pod; each of its callers has its own source for it. */

export type InjectSettings = {
  /** The sidecar's image. */
  image: string;
  imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never';
  /** Of the admission request: at admission a pod has often none of its own. */
  namespace: string;
  /** At least 16 characters of base64url; the webhook takes them from the request's uid. */
  drainRandom: string;
};
