import { describeFaults } from "./describe-faults.ts";

describeFaults("pg · direct");
