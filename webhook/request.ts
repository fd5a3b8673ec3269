/** What annotations ask for, as values. */
import type { z } from 'zod';
import { LISTEN_PATH } from '../sidecar/config.ts';
import { ANNOTATIONS, scopeOf } from './annotations.ts';
import type { AnnotationKey } from './annotations.ts';

type Defaulted =
  | 'transport'
  | 'auth'
  | 'mode'
  | 'audit'
  | 'lockdown'
  | 'listen-port'
  | 'admin-port'
  | 'startup-seconds'
  | 'inject';
type Values = { [K in AnnotationKey]?: z.output<(typeof ANNOTATIONS)[K]['grammar']> };
/** What the annotations say of one server, as values by key; what has a default is there. */
export type InjectionRequest = Values & { [K in Defaulted]: NonNullable<Values[K]> } & {
  /** Where annotations name the servers of the pod. */
  server?: {
    name: string;
    /** Keys whose values stand without the name, for all servers. */
    shared: readonly string[];
  };
};

/** The servers of one pod, in the order of their names. */
export type ServerRequests = [InjectionRequest, ...InjectionRequest[]];

/** The key as it stands in the pod, or would. */
export const writtenKey = ({ server }: InjectionRequest, key: AnnotationKey): string =>
  server === undefined || server.shared.includes(key) || scopeOf(key) === 'pod'
    ? key
    : `${server.name}.${key}`;

/** Where servers of HTTP+SSE have their event stream. */
export const SSE_PATH = '/sse';

/** Of the server, as it is or as the transport has it. */
export const pathOf = ({ path, transport, upstream }: InjectionRequest): string =>
  path ?? upstream?.path ?? (transport === 'sse' ? SSE_PATH : LISTEN_PATH);

/** Of another machine: no container of the pod is the server. */
export const isElsewhere = ({ upstream }: Pick<InjectionRequest, 'upstream'>): boolean =>
  upstream?.host !== undefined;

export const isStdio = ({ transport }: Pick<InjectionRequest, 'transport'>): boolean => transport === 'stdio';
