/**
 * Directives of [Service] that daemon-reload applies to a running service: what is looked at when it ends or is asked
 * to stop or reload, its timers, and the settings of its cgroup. All others are applied when a process starts.
 */
const DIRECTIVES = `
  Restart RestartSec RestartSteps RestartMaxDelaySec RestartMode RestartPreventExitStatus RestartForceExitStatus
  SuccessExitStatus StartLimitInterval StartLimitBurst StartLimitAction FailureAction
  TimeoutSec TimeoutStartSec TimeoutStopSec TimeoutAbortSec TimeoutStartFailureMode TimeoutStopFailureMode
  RuntimeMaxSec RuntimeRandomizedExtraSec
  KillMode KillSignal RestartKillSignal FinalKillSignal WatchdogSignal SendSIGHUP SendSIGKILL
  ExecReload ExecStop ExecStopPost NotifyAccess OOMPolicy FileDescriptorStoreMax
  CPUAccounting CPUWeight StartupCPUWeight CPUShares StartupCPUShares CPUQuota CPUQuotaPeriodSec
  AllowedCPUs StartupAllowedCPUs AllowedMemoryNodes StartupAllowedMemoryNodes
  MemoryAccounting MemoryMin MemoryLow MemoryHigh MemoryMax MemorySwapMax MemoryZSwapMax MemoryLimit
  StartupMemoryLow StartupMemoryHigh StartupMemoryMax StartupMemorySwapMax StartupMemoryZSwapMax
  TasksAccounting TasksMax
  IOAccounting IOWeight StartupIOWeight IODeviceWeight IODeviceLatencyTargetSec
  IOReadBandwidthMax IOWriteBandwidthMax IOReadIOPSMax IOWriteIOPSMax
  BlockIOAccounting BlockIOWeight StartupBlockIOWeight BlockIODeviceWeight
  BlockIOReadBandwidth BlockIOWriteBandwidth
  IPAccounting IPAddressAllow IPAddressDeny DeviceAllow DevicePolicy
  ManagedOOMSwap ManagedOOMMemoryPressure ManagedOOMMemoryPressureLimit ManagedOOMPreference
`;

const LIVE: ReadonlySet<string> = new Set(DIRECTIVES.trim().split(/\s+/));

/** Does a changed directive take effect without a new process? [Unit] and [Install] always do. */
export function isLive(section: string, key: string): boolean {
  return section !== 'Service' || LIVE.has(key);
}
