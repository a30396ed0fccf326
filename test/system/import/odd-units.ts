/** Units that people have written, each odd in a way of its own; all of them systemd loads. By their paths below /etc/systemd/system. */
export const ODD_UNITS: Readonly<Record<string, string>> = {
  // Continuations, comments between, quotes of both kinds, escapes.
  'odd-text.service': `# A comment
[Unit]
Description = Text  with  spaces \\
   # not this
   ; nor this
   and a second line
Documentation=man:odd(1) \\
  https://example.com/a%%20b

[Service]
ExecStart=/bin/sh -c "echo \\"it's\\" \\x41 \\101 %% $$HOME; sleep 1000" 'a b' c\\ d
Environment="A=one two" 'B="quoted"' C=\\x41\\tb D=
Environment=A=again
SyslogIdentifier=odd%%text
`,
  'odd-windows.service': '\ufeff[Unit]\r\nDescription=CRLF\r\n[Service]\r\nExecStart=/bin/sleep 1000\r\nNice=3\r\n',
  // What is taken back, and said anew.
  'odd-resets.service': `[Service]
ExecStart=/bin/false
ExecStart=
ExecStart=/bin/sleep 1000
ExecStartPre=/bin/a
ExecStartPre=
Environment=A=1
Environment=
Environment=B=2
EnvironmentFile=/etc/a
EnvironmentFile=
EnvironmentFile=-/etc/b
EnvironmentFile=/etc/c
User=daemon
User=
WorkingDirectory=/nowhere
WorkingDirectory=
RestartPreventExitStatus=1
RestartPreventExitStatus=
RestartPreventExitStatus=5 6
[Unit]
ConditionPathExists=/nowhere
ConditionPathExists=
ConditionPathExists=/
Description=x
Description=
`,
  // Signs, variables, specifiers, several commands.
  'odd-commands.service': `[Service]
Type=oneshot
RemainAfterExit=yes
ExecCondition=/bin/true
ExecStartPre=-/bin/false
ExecStartPre=+/bin/sh -c 'echo %n %N %p %H %%'
ExecStart=@/bin/sh name -c "exit 0" ; :/bin/echo $A \${B}
ExecStart=!/bin/echo \\; ";" %u
ExecStart=!!/bin/true
ExecStartPost=/bin/echo $$ $A
ExecStop=/bin/echo stop
ExecStopPost=-/bin/echo post
ExecReload=/bin/kill -HUP $MAINPID
`,
  'odd-no-start.service': '[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStop=/bin/true\n',
  'odd-no-type.service': '[Service]\nRemainAfterExit=yes\nExecStop=/bin/true\n',
  'odd-forking.service': `[Service]
Type=forking
PIDFile=/run/odd.pid
GuessMainPID=no
ExecStart=/usr/sbin/odd --daemon
KillMode=mixed
KillSignal=SIGWINCH
SendSIGHUP=yes
TimeoutSec=5min 20s
Restart=on-abort
RestartForceExitStatus=SIGKILL 3
SuccessExitStatus=143 SIGUSR1 TEMPFAIL
`,
  'odd-dbus.service': '[Service]\nBusName=com.example.Odd\nExecStart=/usr/bin/odd\nNotifyAccess=all\n',
  'odd-notify.service': `[Service]
Type=notify
ExecStart=odd --bare-name
Environment=PATH=/opt/bin
WatchdogSec=30
WatchdogSignal=SIGABRT
TimeoutStartSec=infinity
TimeoutStopSec=infinity
TimeoutAbortSec=10
`,
  'odd-idle.service': '[Service]\nType=idle\nExecStart=/bin/true\nStandardInput=tty\nTTYPath=/dev/tty9\nTTYReset=yes\n',
  // Limits of starts in their old place, and times as people write them.
  'odd-limits.service': `[Service]
ExecStart=/bin/sleep 1000
Restart=on-failure
RestartSec=1min 30.5s
StartLimitInterval=1h
StartLimitBurst=3
LimitNOFILE=1024:524288
LimitAS=2G
LimitCORE=infinity
LimitNPROC=512
LimitMEMLOCK=64K
LimitSTACK=8M:infinity
LimitCPU=1h
LimitRTPRIO=10
UMask=77
OOMScoreAdjust=-500
CPUQuota=20%
MemoryMax=30%
TasksMax=50
IPAddressDeny=any
`,
  'odd-unlimited.service': `[Unit]
StartLimitIntervalSec=0
[Service]
ExecStart=/bin/sleep 1000
Restart=always
RestartSec=0
TimeoutStopSec=0
`,
  'odd-once.service':
    '[Unit]\nStartLimitBurst=1\nStartLimitIntervalSec=infinity\n[Service]\nExecStart=/bin/sleep 9\nRestart=on-watchdog\nRestartSec=10min\n',
  'odd-users.service': `[Service]
ExecStart=/bin/sleep 1000
User=nobody
Group=nogroup
SupplementaryGroups=adm tty
WorkingDirectory=-/home/nobody
PAMName=login
AmbientCapabilities=CAP_NET_BIND_SERVICE
`,
  'odd-group.service': '[Service]\nExecStart=/bin/sleep 1000\nGroup=adm\nWorkingDirectory=~\n',
  'odd-dynamic.service':
    '[Service]\nExecStart=/bin/sleep 1000\nDynamicUser=yes\nStateDirectory=odd odd/sub\nWorkingDirectory=%S/odd\n',
  'odd-logs.service': '[Service]\nExecStart=/bin/sleep 1000\nStandardOutput=append:/var/log/odd.log\n',
  'odd-logs-two.service':
    '[Service]\nExecStart=/bin/sleep 1000\nStandardOutput=append:/var/log/odd.log\nStandardError=append:/var/log/odd-error.log\n',
  'odd-logs-more.service':
    '[Service]\nExecStart=/bin/sleep 1000\nStandardOutput=null\nStandardError=file:/var/log/%N.log\n',
  'odd-sandbox.service': `[Service]
ExecStart=/bin/sleep 1000
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
CapabilityBoundingSet=CAP_CHOWN
CapabilityBoundingSet=~CAP_CHOWN
CapabilityBoundingSet=CAP_SETUID
RestrictAddressFamilies=AF_UNIX AF_INET
ProtectSystem=strict
ReadWritePaths=/var/lib/odd "-/var/lib/a b"
BindPaths=/srv:/mnt
DeviceAllow=/dev/null rw
DeviceAllow=char-pts r
LogExtraFields=ODD=1
SetCredential=odd:not%%secret
`,
  'odd-relations.service': `[Unit]
Requires=odd-text.service
BindsTo=odd-limits.service
PartOf=odd-forking.service
After=odd-text.service odd-limits.service
After=network.target
Before=odd-idle.service
Conflicts=odd-dbus.service
OnFailure=odd-no-start.service
PropagatesReloadTo=odd-commands.service
RequiresMountsFor=/srv /var/lib/odd
JobTimeoutSec=90
DefaultDependencies=no
CollectMode=inactive-or-failed
RefuseManualStop=yes
[Service]
ExecStart=/bin/sleep 1000
Sockets=odd-text.socket
Slice=odd.slice
Delegate=pids memory
[Install]
WantedBy=multi-user.target graphical.target
RequiredBy=odd-text.service
Also=odd-text.socket
Alias=odder.service
`,
  'odd-text.socket': '[Socket]\nListenStream=/run/odd.socket\n',
  // What systemd passes over.
  'odd-mistakes.service': `Stray=1
[Service]
ExecStart=/bin/sleep 1000
Restrat=always
Environment=good=1 bad
no assignment
Restart=sometimes
Nice=99
X-Own=1
[Timer]
OnCalendar=daily
[X-Tool]
Setting=1
`,
  'odd-secrets.service':
    '[Service]\nExecStart=/bin/sleep 1000\nEnvironment=DB_PASSWORD=hush TZ=UTC\nEnvironmentFile=/etc/odd.env\n',
  // Drop-ins: of its own, of a prefix, of all services; the same name counts once, a link to nothing hides.
  'odd-dropped.service': '[Service]\nExecStart=/bin/sleep 1\nEnvironment=A=1\nNice=1\n',
  'odd-dropped.service.d/20-b.conf': '[Service]\nNice=2\nEnvironment=B=1\nTimeoutStopSec=7\n',
  'odd-dropped.service.d/10-a.conf': '[Service]\nNice=5\nExecStart=\nExecStart=/bin/sleep 2\n',
  'odd-.service.d/20-b.conf': '[Service]\nIOSchedulingPriority=7\n',
  'odd-.service.d/30-c.conf': '[Service]\nOOMScoreAdjust=7\n',
  // Templates and their instances, with a drop-in for all and one for one.
  'odd-many@.service': `[Unit]
Description=Instance %i of %p (%I), %j
[Service]
ExecStart=/bin/sleep %i
Environment=NAME=%i FULL=%n
RuntimeDirectory=odd/%i
SyslogIdentifier=%p-%i
[Install]
WantedBy=multi-user.target
DefaultInstance=1
`,
  'odd-many@.service.d/all.conf': '[Service]\nNice=4\n',
  'odd-many@1000.service.d/one.conf': '[Service]\nNice=6\n',
  'Odd_Upper.service': '[Unit]\nDescription=%n and %N\n[Service]\nExecStart=/bin/echo %n\nSyslogIdentifier=%N\n',
};

/** Links: an alias of one, an instance, a mask. */
export const ODD_LINKS: Readonly<Record<string, string>> = {
  'odder.service': 'odd-relations.service',
  'odd-dropped.service.d/40-d.conf': '/dev/null',
  'odd-masked.service': '/dev/null',
  'multi-user.target.wants/odd-many@1000.service': '../odd-many@.service',
};

/** Nothing is made of these, and why. */
export const ODD_REFUSED: Readonly<Record<string, readonly [text: string, because: string]>> = {
  'bad-template.service': ['[Service]\nExecStart=/bin/sleep {{ seconds }}\n', 'a template that nobody has filled in'],
  'bad-script.service': ['#!/bin/sh\nexec /bin/sleep 1000\n', 'it is a script, not a unit file'],
  'bad-header.service': ['[Service\nExecStart=/bin/sleep 1000\n', 'it holds no directive of a unit'],
  'bad-second.service': ['[Service]\nExecStart=/bin/sleep 1000\n[Install\n', '[Install is no header of a section'],
  'bad-nothing.service': ['[Service]\nNice=1\n', 'it has no ExecStart=, ExecStop= or SuccessAction='],
  'bad-two.service': ['[Service]\nExecStart=/bin/a\nExecStart=/bin/b\n', 'can have several ExecStart='],
  'bad-restart.service': ['[Service]\nType=oneshot\nExecStart=/bin/a\nRestart=always\n', 'is not for Type=oneshot'],
  'bad-bus.service': ['[Service]\nType=dbus\nExecStart=/bin/a\n', 'Type=dbus needs BusName='],
};
