import { describeFaults } from "./describe-faults.ts";

describeFaults("pg · pgbouncer");
