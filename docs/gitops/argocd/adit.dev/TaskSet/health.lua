-- Internal: a part of a TransferJob, shown in its tree. How its tasks went is told by the job.
local health = {status = "Progressing", message = "waits for a slot"}
local status = obj.status
if status == nil then
  return health
end
if status.verdict ~= nil and status.verdict.finished == true then
  health.status = "Healthy"
  health.message = "finished"
elseif status.holder ~= nil then
  health.message = "runner " .. status.holder.podName
elseif status.runner ~= nil and status.runner.ended ~= nil then
  health.message = "the last runner ended: " .. status.runner.ended.reason
end
return health
