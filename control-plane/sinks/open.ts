/** From a sink to what delivers to it, by its type. */
import type { ReadySink } from '@skerry/shared/sinks.ts';
import { openCouchdb } from './couchdb.ts';
import { openHttp } from './http.ts';
import { openMqtt } from './mqtt.ts';
import type { OpenSink } from './open-sink.ts';

/** Connects to nothing yet. */
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
