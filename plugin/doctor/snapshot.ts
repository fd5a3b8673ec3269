/** What was seen of the cluster at one moment: all that checks look at. Types only. */
import type {
  CoreV1Event,
  V1Deployment,
  V1EndpointSlice,
  V1Ingress,
  V1MutatingWebhookConfiguration,
  V1NetworkPolicy,
  V1Pod,
  V1PodDisruptionBudget,
  V1Service,
  V1ValidatingWebhookConfiguration,
} from '@kubernetes/client-node';
import type { Flagged } from '../../sidecar/filter/hidden-characters.ts';
import type { NamespaceRules } from '../../webhook/foresee/foreseen.ts';
import type { SourceFacts } from '../sources/read.ts';
import type { Workload } from '../enable/workload.ts';
import type { Installed } from '../upgrade/installed.ts';
import type { Revisions } from './revisions.ts';

/** A thing that was read, or why it is not known: `no permission to list secrets in namespace demo`. */
export type Read<T> = { readonly value: T } | { readonly unknown: string };

export interface Canary {
  readonly injected: boolean;
  /** What the API server said instead of taking the pod. */
  readonly refusal?: string;
}

export interface ToolState {
  readonly name: string;
  readonly allowed: boolean;
}

/** The part of the sidecar's `/health` that checks need. */
export interface Health {
  readonly status: string;
  readonly servers: readonly {
    readonly name: string;
    readonly connected: boolean;
    readonly error?: string;
    /** Why nobody says who may call what. */
    readonly access_error?: string;
    /** What is wrong, though calls are answered. */
    readonly problems?: readonly string[];
    readonly tools?: readonly ToolState[];
    /** Where tools are pinned: which are not as they are. */
    readonly pins?: {
      readonly same_image?: boolean;
      readonly drift: readonly {
        readonly tool: string;
        readonly what: string;
        readonly from?: string;
        readonly fields?: readonly string[];
      }[];
    };
    /** Of a server that speaks stdio: its processes so far. */
    readonly stdio?: {
      readonly starts: number;
      readonly failed_starts: number;
      readonly foreign_lines: number;
      readonly last_exit?: {
        readonly code?: number;
        readonly signal?: string;
        readonly stderr: readonly string[];
      };
    };
  }[];
}

export type PodHealth =
  | {
      readonly health: Health;
      /** In the definitions of its tools; of one pod of each owner. */
      readonly flagged?: readonly Flagged[];
    }
  | { readonly fault: string };

/** What a pod beside the server's got when it dialled. */
export interface Dial {
  readonly pod: string;
  /** The server's own port. Undefined: not known, `fault` says why. */
  readonly serverOpen?: boolean;
  /** The sidecar's port: when that does not answer either, a closed server port proves nothing. */
  readonly sidecarOpen?: boolean;
  readonly fault?: string;
}

/** A pod of the webhook, as it answers. */
export type Replica =
  | {
      /** PEM. */
      readonly certificate: string;
      /** Its own words; absent where it is ready. */
      readonly unready?: string;
      /** Since its start. */
      readonly caBundleWrites: number;
    }
  | { readonly fault: string };

/** What cert-manager is told to take the caBundle from. */
export interface Issuing {
  /** `NAMESPACE/NAME`, as the annotation has it. */
  readonly certificate: string;
  readonly exists: boolean;
  readonly ready: boolean;
  readonly message?: string;
}

/** By source: each is read, and may be forbidden, apart from the others. */
export interface Values {
  /** Null: there is none. */
  readonly configuration: V1MutatingWebhookConfiguration | null;
  readonly earlyWord: V1ValidatingWebhookConfiguration | null;
  readonly webhookService: V1Service | null;
  readonly webhookEndpoints: readonly V1EndpointSlice[];
  /** The serving certificate in PEM; null: the Secret has none. */
  readonly certificate: string | null;
  readonly webhookDeployment: V1Deployment | null;
  /** Of the installation's namespace. */
  readonly webhookBudgets: readonly V1PodDisruptionBudget[];
  /** By the pod's name; those that run. */
  readonly webhookReplicas: Readonly<Record<string, Replica>>;
  /** Null: the webhook issues its certificate itself. */
  readonly issuing: Issuing | null;
  readonly canary: Canary;
  /** The webhooks, and which namespace asks which. */
  readonly installed: Installed;
  readonly revisions: Revisions;
  /** Those of the scope that are opted in. */
  readonly workloads: readonly Workload[];
  /** Those of the scope that are not: one of them may have been. */
  readonly others: readonly Workload[];
  /** Those of the scope's namespaces, or of the one workload. */
  readonly pods: readonly V1Pod[];
  readonly services: readonly V1Service[];
  readonly endpoints: readonly V1EndpointSlice[];
  /** Of reason FailedCreate. */
  readonly events: readonly CoreV1Event[];
  /** By the webhook, on owners whose pods it refused. */
  readonly refusals: readonly CoreV1Event[];
  readonly policies: readonly V1NetworkPolicy[];
  readonly ingresses: readonly V1Ingress[];
  /** Of the namespaces of the workloads: their labels. */
  readonly namespaceLabels: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** By namespace of the workloads. */
  readonly limits: Readonly<Record<string, Pick<NamespaceRules, 'limitRanges' | 'quotas'>>>;
  /** By annotation and `NAMESPACE/NAME`: what annotations name; null: there is none. */
  readonly secrets: Readonly<Record<string, SourceFacts | null>>;
  readonly configMaps: Readonly<Record<string, SourceFacts | null>>;
  /** By `NAMESPACE/POD`, for pods whose sidecar runs. */
  readonly health: Readonly<Record<string, PodHealth>>;
  /** By `NAMESPACE/KIND/NAME` of the workload. */
  readonly dials: Readonly<Record<string, Dial>>;
}

export type Source = keyof Values;

export type Snapshot = { readonly nowMs: number } & { readonly [S in Source]: Read<Values[S]> };
