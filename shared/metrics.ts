/** Names of the metrics that the control plane reads from an agent's Prometheus registry. */
export const agentMetrics = {
  /** Bytes of the device's memory that new work can use (MemAvailable on Linux). */
  memoryAvailable: 'skerry_agent_memory_available_bytes',
  /** Bytes of the device's memory. */
  memoryTotal: 'skerry_agent_memory_total_bytes',
  /** Number of invocations that hold a thread now. */
  running: 'skerry_agent_invocations_running',
} as const;
