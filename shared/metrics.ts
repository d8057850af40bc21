/** Names of the metrics that the control plane reads out of an agent's Prometheus registry. */
export const agentMetrics = {
  /** Bytes of memory that new work can use on the device (MemAvailable on Linux). */
  memoryAvailable: 'skerry_agent_memory_available_bytes',
  /** Bytes of memory of the device. */
  memoryTotal: 'skerry_agent_memory_total_bytes',
  /** Invocations that hold a thread now. */
  running: 'skerry_agent_invocations_running',
} as const;
