"""Labels and annotations of our objects: the names that operator, runner and CLI must agree on."""

MANAGED_BY = "app.kubernetes.io/managed-by"
MANAGED_BY_ADIT = "adit.dev"

# On TaskSets, Jobs and rendered Secrets: the UID of the TransferJob they serve.
OWNER_UID = "adit.dev/owner-uid"
OWNER_NAME = "adit.dev/owner-name"
OWNER_NAMESPACE = "adit.dev/owner-namespace"
# On Jobs: the TaskSet that the Job works.
TASK_SET = "adit.dev/task-set"
TASK_SET_UID = "adit.dev/task-set-uid"
ATTEMPT = "adit.dev/attempt"
ROUND = "adit.dev/round"
# "true" while there is work left; dropped at completion so that caches can select on the server.
ACTIVE = "adit.dev/active"
# On Secrets that the operator may read.
PURPOSE = "adit.dev/purpose"
PURPOSES = ("credential", "tasks", "key", "password")

# Who asked for it: stamped once, inherited by children.
REQUESTED_BY = "adit.dev/requested-by"
# When the job was created, inherited by children: the date in folder names.
JOB_CREATED_AT = "adit.dev/job-created-at"
