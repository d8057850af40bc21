/** Opens a sink by its type. */
import type { ReadySink } from '@skerry/shared/function/sinks.ts';
import { openCouchdb } from './targets/couchdb.ts';
import { openHttp } from './targets/http.ts';
import { openMqtt } from './targets/mqtt.ts';
import type { OpenSink } from './targets/open-sink.ts';

/** Does not connect yet. */
export function openSink(sink: ReadySink, now: () => number): OpenSink {
  switch (sink.type) {
    case 'couchdb':
      return openCouchdb(sink.params);
    case 'http':
      return openHttp(sink.params, now);
    case 'mqtt':
      return openMqtt(sink.params);
  }
}
