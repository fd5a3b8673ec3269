import type { Target } from '../engine/target.ts';
import { filteredStream } from './filtered-stream.ts';
import { framing } from './framing.ts';
import { json } from './json.ts';
import { outcome } from './outcome.ts';
import { path } from './path.ts';
import { sessions } from './sessions.ts';
import { sse } from './sse.ts';
import { toolsList } from './tools-list.ts';

export const TARGETS: readonly Target[] = [
  framing,
  sse,
  json,
  toolsList,
  filteredStream,
  outcome,
  sessions,
  path,
];
