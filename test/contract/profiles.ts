import { afterAll, beforeAll, describe } from "vitest";
import type { Driver } from "../../src/driver.ts";
import { createPostgresProfileStoreRepository, type ProfileRepository } from "../../src/profiles/index.ts";
import { describeProfileAudit } from "./profiles-audit.ts";
import { describeProfileDeletion } from "./profiles-deletion.ts";
import { describeProfileEvents } from "./profiles-events.ts";
import { describeProfileIndex } from "./profiles-index.ts";
import { describeProfileLoading } from "./profiles-loading.ts";
import { describeProfileRepetition } from "./profiles-repetition.ts";
import { describeProfileSaving } from "./profiles-saving.ts";
import { describeSavingMany } from "./profiles-saving-many.ts";
import { describeProfileTenants } from "./profiles-tenants.ts";

/** Gives the repository under test, within a test. */
export type OpenProfiles = () => ProfileRepository;

export interface ProfilesContractOptions {
  /** Where the tables are, or are to be created. Default `public`. */
  readonly schema?: string;
}

/**
 * What a repository promises, whatever driver is below it. `open` gives a driver on a database where nobody else writes to the
 * schema.
 */
export function describeProfiles(label: string, open: () => Driver, options: ProfilesContractOptions = {}): void {
  describe(`profiles contract: ${label}`, () => {
    let opened: { readonly driver: Driver; readonly repository: ProfileRepository } | undefined;
    beforeAll(() => {
      const driver = open();
      opened = { driver, repository: createPostgresProfileStoreRepository({ driver, ...options }) };
    });
    afterAll(() => opened?.driver.close());

    const current: OpenProfiles = () => {
      if (opened === undefined) throw new Error("the driver was not opened");
      return opened.repository;
    };
    describe("saving", () => describeProfileSaving(current));
    describe("saving many", () => describeSavingMany(current));
    describe("saves that can be repeated", () => describeProfileRepetition(current));
    describe("loading", () => describeProfileLoading(current));
    describe("tenants", () => describeProfileTenants(current));
    describe("deleting", () => describeProfileDeletion(current));
    describe("the index by user", () => describeProfileIndex(current));
    describe("the audit log", () => describeProfileAudit(current));
    describe("events", () => describeProfileEvents(current));
  });
}
