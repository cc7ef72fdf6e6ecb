/**
 * The registered models, and one of them with its versions.
 */
import type { Change, ModelVersion, RegisteredModel } from '../api/types';
import type { ILiveOptions } from './live';
import { LiveModel } from './live';

const PAGE = 100;

/**
 * The registered models.
 */
export class RegistryModel extends LiveModel {
  /** Those that were loaded. */
  get models(): readonly RegisteredModel[] {
    return this._models;
  }

  /** Whether there are more. */
  get hasMore(): boolean {
    return this._next !== null;
  }

  /** Load more of them. */
  async more(): Promise<void> {
    if (this._next === null) {
      return;
    }
    this._pages += 1;
    await this.refresh();
  }

  protected async load(
    signal: AbortSignal,
    background: boolean
  ): Promise<() => void> {
    const page = await this.client.models(
      { max_results: Math.min(1000, PAGE * this._pages) },
      { signal, background }
    );
    return () => {
      this._models = page.items;
      this._next = page.next_page_token;
    };
  }

  protected concerns(change: Change): boolean {
    return change.capability === 'registry';
  }

  private _models: readonly RegisteredModel[] = [];
  private _next: string | null = null;
  private _pages = 1;
}

/**
 * One registered model with its versions, the newest first.
 */
export class VersionsModel extends LiveModel {
  constructor(options: ILiveOptions & { name: string }) {
    super(options);
    this.name = options.name;
  }

  /** Of the registered model. */
  readonly name: string;

  get model(): RegisteredModel | null {
    return this._model;
  }

  get versions(): readonly ModelVersion[] {
    return this._versions;
  }

  /** Whether there are older versions to load. */
  get hasMore(): boolean {
    return this._next !== null;
  }

  /** Load older versions. */
  async more(): Promise<void> {
    this._count += PAGE;
    await this.refresh();
  }

  async describe(description: string): Promise<void> {
    await this.client.describeModel(this.name, description);
    await this.refresh();
  }

  async describeVersion(version: string, description: string): Promise<void> {
    await this.client.describeVersion(this.name, version, description);
    await this.refresh();
  }

  /** Set an alias, or move it from another version. */
  async setAlias(alias: string, version: string): Promise<void> {
    await this.client.setAlias(this.name, alias, version);
    await this.refresh();
  }

  async deleteAlias(alias: string): Promise<void> {
    await this.client.deleteAlias(this.name, alias);
    await this.refresh();
  }

  protected async load(
    signal: AbortSignal,
    background: boolean
  ): Promise<() => void> {
    const how = { signal, background };
    const [model, page] = await Promise.all([
      this.client.model(this.name, how),
      this.client.versions(
        this.name,
        { max_results: Math.min(1000, this._count) },
        how
      )
    ]);
    return () => {
      this._model = model;
      this._versions = page.items;
      this._next = page.next_page_token;
    };
  }

  protected concerns(change: Change): boolean {
    return (
      change.capability === 'registry' &&
      (change.ids.length === 0 ||
        change.ids.some(
          id => id === this.name || id.startsWith(`${this.name}/`)
        ))
    );
  }

  private _model: RegisteredModel | null = null;
  private _versions: readonly ModelVersion[] = [];
  private _next: string | null = null;
  private _count = PAGE;
}
