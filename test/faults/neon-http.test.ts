import { describeFaults } from "./describe-faults.ts";

describeFaults("neon-http · local endpoint");
