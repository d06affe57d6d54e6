import { describeFaults } from "./describe-faults.ts";

describeFaults("neon-websocket · local endpoint");
