obj.spec.shutdown = "Graceful"
return obj
