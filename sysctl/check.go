package sysctl

// rule is one check. A finding without a name means that the check does not apply to this machine.
type rule func(Facts, Need) Finding

// Check compares the facts with the need. The findings are in the order in which a connection meets the limits.
func Check(f Facts, n Need) []Finding {
	rules := []rule{checkDescriptors, checkRedis, checkRedisClients, checkRedisBuffer}
	if n.Connections > 0 {
		rules = []rule{
			checkDescriptors, checkNrOpen, checkSupervisor, checkFileMax, checkEpollWatches,
			checkSomaxconn, checkSynBacklog, checkPorts, checkListenPort, checkTimeWait, checkConntrack,
			checkTCPMemory, checkWriteBuffer, checkReadBuffer, checkMemory, checkGroupMemory, checkOvercommit, checkSwap,
			checkTasks, checkCPU, checkClock,
			checkNginx, checkNginxDescriptors, checkNginxConnections, checkNginxBacklog,
			checkNginxApp, checkNginxAPI, checkNginxUpgrade, checkNginxTimeout,
			checkHAProxy, checkHAProxyMaxconn, checkHAProxyTimeout,
			checkApache, checkApacheUpgrade, checkApacheWorkers, checkApacheTimeout,
			checkCaddy, checkCaddyDescriptors, checkCaddyReload,
			checkRedis, checkRedisClients, checkRedisBuffer,
		}
	}
	var findings []Finding
	for _, r := range rules {
		if finding := r(f, n); finding.Check != "" {
			findings = append(findings, finding)
		}
	}
	return findings
}
