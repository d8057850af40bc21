/** One holder of leases for several parts of a control plane: each part names its leases, and hears of them only. */
import { createLeases, type Lease, type LeasesOptions } from './leases.ts';

type LeaseGroups = {
  /**
   * Returns the function that sets the leases of a new group; no two groups name the same lease.
   * @param onHeld a lease of the group was taken
   */
  group(onHeld: (lease: Lease) => void): (names: ReadonlySet<string>) => void;
  /** Releases all leases. Idempotent. */
  close(): Promise<void>;
};

export function createLeaseGroups(options: Omit<LeasesOptions, 'onHeld'>): LeaseGroups {
  const groups = new Set<{ wanted: ReadonlySet<string>; readonly onHeld: (lease: Lease) => void }>();
  const leases = createLeases({
    ...options,
    onHeld(lease) {
      for (const { wanted, onHeld } of groups) if (wanted.has(lease.name)) onHeld(lease);
    },
  });
  return {
    group(onHeld) {
      const group = { wanted: new Set<string>() as ReadonlySet<string>, onHeld };
      groups.add(group);
      return (names) => {
        group.wanted = new Set(names);
        leases.setWanted(new Set([...groups].flatMap(({ wanted }) => [...wanted])));
      };
    },
    close: leases.close,
  };
}
